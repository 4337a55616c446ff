{% macro check_crms() %}
    {#- One clear error when var account_mapping__crms names no CRM or one that does not exist. -#}
    {%- if account_mapping.is_building() -%}
        {%- set named = account_mapping.as_list(var('account_mapping__crms', [])) -%}
        {%- set supported = account_mapping.supported_crms() -%}
        {%- set remedy = "Set var account_mapping__crms to the CRMs in use, out of: " ~ (supported | join(', '))
            ~ ". For example in dbt_project.yml: vars: {account_mapping__crms: [salesforce]}." -%}
        {%- if not named -%}
            {%- do exceptions.raise_compiler_error(
                "account_mapping: no CRM is named, so there are no accounts to map. " ~ remedy
            ) -%}
        {%- endif -%}
        {%- for crm in named if crm not in supported -%}
            {%- do exceptions.raise_compiler_error(
                "account_mapping: var account_mapping__crms names `" ~ crm ~ "`, which is not supported. " ~ remedy
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
