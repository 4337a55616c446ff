{% test account_mapping__matches_pattern(model, column_name, pattern) %}

select {{ column_name }}
from {{ model }}
where {{ column_name }} is not null
    and not {{ account_mapping.matches_pattern(column_name, pattern) }}

{% endtest %}
