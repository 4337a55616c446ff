{% macro pass_through_safe(expression) %}
    {#- The pass-through columns of one row for people: each value as spreadsheet_safe gives it, since a BI tool makes
        columns of them. Conditions and status rules read the values as they are. -#}
    {%- set fields = {} -%}
    {%- for column in account_mapping.pass_through_columns() if account_mapping.crms_named(column['crm']) -%}
        {%- do fields.update({column['alias']: account_mapping.spreadsheet_safe(
            account_mapping.json_value(expression, column['alias']))}) -%}
    {%- endfor -%}
    {%- if not fields -%}
        {{- return(expression) -}}
    {%- endif -%}
    {%- set sorted = {} -%}
    {%- for alias in fields | sort(case_sensitive=true) -%}
        {%- do sorted.update({alias: fields[alias]}) -%}
    {%- endfor -%}
    {{- return(account_mapping.json_object(sorted)) -}}
{% endmacro %}
