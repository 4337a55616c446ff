{% macro pass_through_json(crm, present) %}
    {#- The pass-through columns of one CRM's account table as JSON object text, keys sorted.

        present: {lower-case name: column} of the table. Every alias declared for a CRM in use is a key in every row,
        null where this CRM has no such column, so that the rows of all CRMs have one shape. Null when nothing is
        declared. -#}
    {%- set names = {} -%}
    {%- for column in account_mapping.pass_through_columns() if column['crm'] in account_mapping.crms_in_use() -%}
        {%- set own = [column['name'] | trim | lower] if column['crm'] == crm else [] -%}
        {%- do names.update({column['alias']: names.get(column['alias'], []) + own}) -%}
    {%- endfor -%}
    {%- set fields = {} -%}
    {%- for alias in names | sort(case_sensitive=true) -%}
        {%- set column = present.get(names[alias] | first) if names[alias] else none -%}
        {%- do fields.update({
            alias: account_mapping.column_as_text(column) if column else 'cast(null as ' ~ dbt.type_string() ~ ')'
        }) -%}
    {%- endfor -%}
    {{- return(account_mapping.json_object(fields) if fields else 'cast(null as ' ~ dbt.type_string() ~ ')') -}}
{% endmacro %}
