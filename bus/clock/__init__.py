"""What does the calendar start, without anybody moving?"""
