"""Raw files by themselves: public services asked politely, their answers put into the landing zone as they are.

Nothing here knows Dagster, and nothing behind the landing zone knows that this exists. What an answer means is the
business of `sources/`.
"""
