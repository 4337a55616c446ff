{% macro crms_in_use() %}
    {#- The CRMs that var account_mapping__crms names, in a fixed order; unknown names are check_crms' business. -#}
    {%- set named = account_mapping.as_list(var('account_mapping__crms', [])) -%}
    {%- set crms = [] -%}
    {%- for crm in account_mapping.supported_crms() if crm in named -%}
        {%- do crms.append(crm) -%}
    {%- endfor -%}
    {{- return(crms) -}}
{% endmacro %}
