{#- The grain of a table: no two rows share it, and no column of it is null but those in `nullable`. -#}
{% test account_mapping__grain(model, columns, nullable=[]) %}

select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {% for column in columns if column not in nullable -%}
    or {{ column }} is null
    {% endfor %}

{% endtest %}
