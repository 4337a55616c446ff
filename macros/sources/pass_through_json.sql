{% macro pass_through_json(kind, instance, present) %}
    {#- The pass-through columns of one CRM's account table as JSON object text, keys sorted.

        present: {column key: [columns]} of the table. Every alias declared for a CRM in use is a key in every row, null
        where this CRM has no such column, so that the rows of all CRMs have one shape. Null when nothing is declared. -#}
    {%- set own_names = [kind, instance['name'] if instance else kind] -%}
    {%- set expressions = {} -%}
    {%- for column in account_mapping.pass_through_columns() if account_mapping.crms_named(column['crm']) -%}
        {%- if column['crm'] in own_names -%}
            {%- set reading = account_mapping._reading(present, [], true, exact_names=[column['name']]) -%}
            {%- do expressions.update({
                column['alias']: expressions.get(column['alias'], []) + reading['expressions']}) -%}
        {%- else -%}
            {%- do expressions.update({column['alias']: expressions.get(column['alias'], [])}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set fields = {} -%}
    {%- for alias in expressions | sort(case_sensitive=true) -%}
        {%- do fields.update({
            alias: expressions[alias][0] if expressions[alias] else 'cast(null as ' ~ dbt.type_string() ~ ')'
        }) -%}
    {%- endfor -%}
    {{- return(account_mapping.json_object(fields) if fields else 'cast(null as ' ~ dbt.type_string() ~ ')') -}}
{% endmacro %}
