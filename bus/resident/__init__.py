"""What does a city write down of one person: the image, its numbers, and the files it travels in?"""
