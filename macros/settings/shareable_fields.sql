{% macro shareable_fields() %}
    {#- The fields of our accounts that an agreement may name, in a fixed order. -#}
    {{- return([
        'name', 'website', 'country', 'status', 'segment', 'owner_name', 'owner_email', 'open_amount', 'customer_since',
        'deal_stage', 'deal_close_date', 'last_won_on',
    ]) -}}
{% endmacro %}
