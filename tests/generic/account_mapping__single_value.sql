{% test account_mapping__single_value(model, column, where='1 = 1') %}

select count(distinct {{ column }}) as {{ column }}_values
from {{ model }}
where {{ where }}
having count(distinct {{ column }}) > 1

{% endtest %}
