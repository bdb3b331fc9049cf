"""The dashboards as code: `make dashboards` writes `grafana/dashboards/`, which is never edited by hand.

One dashboard a file (`overview`, `compliance`, `groups`, `itself`); `frame` holds what all share, `panels` the few
kinds of panel, `queries` the words that expressions are made of.
"""
