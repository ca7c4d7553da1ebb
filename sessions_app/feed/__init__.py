"""The feed: every socket of this process gets each session's events in order, none missing, none twice.

    redis ── subscription ──▶ hub ──▶ topic (a session with sockets here) ──▶ subscribers (one a socket)
                               ▲        ▲
                             rows, wherever the publications have a gap

An event is encoded once, by its publisher, and handed on as that text. What Redis lost is read from the rows:
on a gap in `seq`, after the subscription was cut, and by a slow poll.
"""
