"""Defines the dashboards as code: `make dashboards` writes `grafana/dashboards/`, which is never edited by hand.

Each dashboard has one file (`overview`, `compliance`, `groups`, `itself`); `frame` holds the parts that all share,
`panels` the kinds of panel, `queries` the parts of expressions.
"""
