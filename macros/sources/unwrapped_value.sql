{% macro unwrapped_value(column, fields=['value']) %}
    {#- One source column as text; an object that a loader wrote around a value as the first of `fields` that it has. -#}
    {{- return(adapter.dispatch('unwrapped_value', 'account_mapping')(column, fields)) -}}
{% endmacro %}

{% macro default__unwrapped_value(column, fields) -%}
    {{- account_mapping._engine_lacks('unwrapped_value') -}}
{%- endmacro %}

{% macro duckdb__unwrapped_value(column, fields) -%}
    {%- set text = account_mapping.column_as_text(column) -%}
    {%- set type = column.dtype | upper -%}
    {%- if type.startswith(('STRUCT', 'MAP', 'JSON', 'VARIANT', 'VARCHAR')) -%}
        case
            when not starts_with({{ text }}, '{') or not json_valid({{ text }}) then {{ text }}
            {%- for field in fields %}
            when json_exists({{ text }}, '$.{{ field }}') then json_extract_string({{ text }}, '$.{{ field }}')
            {%- endfor %}
            else {{ text }}
        end
    {%- else -%}
        {{ text }}
    {%- endif -%}
{%- endmacro %}

{% macro spark__unwrapped_value(column, fields) -%}
    {%- set text = account_mapping.column_as_text(column) -%}
    {%- set type = column.dtype | upper -%}
    {%- if type.startswith(('STRUCT', 'MAP', 'VARIANT', 'STRING', 'VARCHAR', 'CHAR')) -%}
        case
            when not ({{ account_mapping._spark_is_object(text) }}) then {{ text }}
            {%- for field in fields %}
            when map_contains_key({{ account_mapping._spark_fields(text) }}, '{{ field }}')
                then {{ account_mapping._spark_path(text, [field]) }}
            {%- endfor %}
            else {{ text }}
        end
    {%- else -%}
        {{ text }}
    {%- endif -%}
{%- endmacro %}
