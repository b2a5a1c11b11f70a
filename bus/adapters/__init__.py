"""The world behind the ports: Kafka, SQL databases, memory."""
