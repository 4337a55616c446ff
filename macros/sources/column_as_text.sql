{% macro column_as_text(column) %}
    {#- One source column (as adapter.get_columns_in_relation gives it) as text: a JSON string without its quotes,
        other JSON, structs, maps and lists as JSON text, everything else as a cast writes it. -#}
    {{- return(adapter.dispatch('column_as_text', 'account_mapping')(column)) -}}
{% endmacro %}

{% macro default__column_as_text(column) -%}
    {{- account_mapping._engine_lacks('column_as_text') -}}
{%- endmacro %}

{% macro duckdb__column_as_text(column) -%}
    {%- set type = column.dtype | upper -%}
    {#- not `column.quoted`, which does not double the quotation marks of a name -#}
    {%- set name = '"' ~ (column.name | replace('"', '""')) ~ '"' -%}
    {%- if type.startswith(('STRUCT', 'MAP', 'UNION', 'JSON', 'VARIANT')) or type.endswith(']') -%}
        to_json({{ name }}) ->> '$'
    {%- elif type.startswith('VARCHAR') -%}
        {{ name }}
    {%- else -%}
        cast({{ name }} as {{ dbt.type_string() }})
    {%- endif -%}
{%- endmacro %}

{% macro spark__column_as_text(column) -%}
    {%- set type = column.dtype | upper -%}
    {%- set name = '`' ~ (column.name | replace('`', '``')) ~ '`' -%}
    {%- if type.startswith(('STRUCT', 'MAP', 'ARRAY')) -%}
        to_json({{ name }}, map('ignoreNullFields', 'false'))
    {%- elif type.startswith('VARIANT') -%}
        case when schema_of_variant({{ name }}) = 'STRING' then cast({{ name }} as string) else to_json({{ name }}) end
    {%- elif type.startswith(('STRING', 'VARCHAR', 'CHAR')) -%}
        {{ name }}
    {%- else -%}
        cast({{ name }} as {{ dbt.type_string() }})
    {%- endif -%}
{%- endmacro %}
