{#- What holds in every row of a table: no column in `filled` is null, and `rules` (expressions) and `patterns`
    ({column: regular expression}) are true or null. The rows that break one come out. -#}
{% test account_mapping__rules(model, filled=[], rules=[], patterns={}) %}
{%- set all_rules = account_mapping.all_rules(rules, patterns) %}
select * from {{ model }}
where
    1 = 0
    {% for column in filled -%}
    or {{ column }} is null
    {% endfor -%}
    {% for rule in all_rules -%}
    or not ({{ rule }})
    {% endfor %}

{% endtest %}
