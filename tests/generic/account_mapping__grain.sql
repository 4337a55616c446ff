{#- The grain of a table: no two rows share it, and no column of it is null but those in `nullable`, nor any in `filled`.
    One query for all: each test is a node of its own that dbt has to read and run. -#}
{% test account_mapping__grain(model, columns, nullable=[], filled=[]) %}

select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {% for column in columns if column not in nullable -%}
    or {{ column }} is null
    {% endfor -%}
    {% for column in filled -%}
    or count({{ column }}) < count(*)
    {% endfor %}

{% endtest %}
