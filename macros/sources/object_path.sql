{% macro object_path(column, path) %}
    {#- What a list of field names leads to inside the object of a source column, as text; null in a row that holds no
        such object. -#}
    {{- return(adapter.dispatch('object_path', 'account_mapping')(column, path)) -}}
{% endmacro %}

{% macro default__object_path(column, path) -%}
    {{- account_mapping._engine_lacks('object_path') -}}
{%- endmacro %}

{% macro duckdb__object_path(column, path) -%}
    {%- set text = account_mapping.column_as_text(column) -%}
    case
        when starts_with({{ text }}, '{') and json_valid({{ text }})
            then coalesce(
                json_extract_string({{ text }}, {{ account_mapping._json_pointer(path + ['value']) }}),
                json_extract_string({{ text }}, {{ account_mapping._json_pointer(path) }})
            )
    end
{%- endmacro %}

{% macro spark__object_path(column, path) -%}
    {%- set text = account_mapping.column_as_text(column) -%}
    case
        when {{ account_mapping._spark_is_object(text) }}
            then coalesce(
                {{ account_mapping._spark_path(text, path + ['value']) }},
                {{ account_mapping._spark_path(text, path) }}
            )
    end
{%- endmacro %}
