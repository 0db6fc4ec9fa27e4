"""Instruments that say how good a voice is: each is a module, tested against known answers, and knows no voice.

What takes two recordings is called with what was said first and with what was recorded second. Results are sums and
counts for each recording where they can be, so that `bootstrap` may add them up in any choice of recordings.
"""
