{% macro crms_in_use() %}
    {#- The kinds of CRM that var account_mapping__crms names, in a fixed order. -#}
    {{- return(account_mapping.crm_instances() | map(attribute='kind') | unique | list) -}}
{% endmacro %}
