{% macro uses_crm(kind) %}
    {#- Whether var account_mapping__crms names a CRM of this kind: what enables its models. -#}
    {{- return(account_mapping.crm_instances(kind) | length > 0) -}}
{% endmacro %}
