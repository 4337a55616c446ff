{% macro unwrapped_value(column) %}
    {#- One source column as text, a value that a loader nested as `{value: ...}` as that value. -#}
    {{- return(adapter.dispatch('unwrapped_value', 'account_mapping')(column)) -}}
{% endmacro %}

{% macro duckdb__unwrapped_value(column) -%}
    {%- set text = account_mapping.column_as_text(column) -%}
    {%- set type = column.dtype | upper -%}
    {%- if type.startswith(('STRUCT', 'MAP', 'JSON', 'VARIANT', 'VARCHAR')) -%}
        case
            when starts_with({{ text }}, '{') and json_valid({{ text }}) and json_exists({{ text }}, '$.value')
                then json_extract_string({{ text }}, '$.value')
            else {{ text }}
        end
    {%- else -%}
        {{ text }}
    {%- endif -%}
{%- endmacro %}
