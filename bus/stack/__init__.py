"""How does one machine get a real Kafka and a real PostgreSQL, without Docker?"""
