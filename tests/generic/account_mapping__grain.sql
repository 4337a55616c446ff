{#- The grain of a table: no two rows share it, and no column of it is null but those in `nullable`, nor any in `filled`.
    With it what holds in every row, null included: `rules`, as expressions, and `patterns`, {column: regular expression}.
    One query for all: each test is a node of its own that dbt has to read and run. A row that comes out is one key that
    breaks something: it says how many rows have it, and how many of them break which rule. -#}
{% test account_mapping__grain(model, columns, nullable=[], filled=[], rules=[], patterns={}) %}
{%- set all_rules = account_mapping.all_rules(rules, patterns) %}
select
    {{ columns | join(', ') }},
    {% for rule in all_rules -%}
    count(case when not ({{ rule }}) then 1 end) as breaks_rule_{{ loop.index }},
    {% endfor -%}
    count(*) as n_rows
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {% for column in columns if column not in nullable -%}
    or {{ column }} is null
    {% endfor -%}
    {% for column in filled -%}
    or count({{ column }}) < count(*)
    {% endfor -%}
    {% for rule in all_rules -%}
    or count(case when not ({{ rule }}) then 1 end) > 0
    {% endfor %}

{% endtest %}
