"""What does the city know of its residents, and since when? (An existing register uses only `outbox`.)"""
