"""What real directories send, turned into what the RFCs say before anything else looks at it.

One tolerant way in for all of them, driven by the schema; nothing here depends on who sends, on a
flag or on a header. What is not understood is left as it is for the checks that follow.
"""
