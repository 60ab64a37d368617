"""The search of the queues: `vhost:prod health:broken ready>1000 type:quorum -name:/^amq/ lag>5m owner:team-a`.

`fields` is its vocabulary, `language` reads a query and applies it to rows, `compiling` makes a condition of it,
`matching` looks at names where the database must not: regular expressions and stars. `completing` offers what
could be typed next.
"""
