{% macro supported_crms() %}
    {#- Every name that var account_mapping__crms may hold. -#}
    {{- return(['salesforce', 'hubspot', 'pipedrive', 'dynamics_365', 'generic', 'shared_keys']) -}}
{% endmacro %}
