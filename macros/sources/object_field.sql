{% macro object_field(text, names, otherwise_itself=false) %}
    {#- A field of a JSON object given as text: the first of `names` that has a value, as text.
        Text that is no object gives null or, with otherwise_itself, the text: loaders write a reference as a bare
        id or as an object around it. -#}
    {{- return(adapter.dispatch('object_field', 'account_mapping')(text, names, otherwise_itself)) -}}
{% endmacro %}

{% macro default__object_field(text, names, otherwise_itself) -%}
    {{- account_mapping._engine_lacks('object_field') -}}
{%- endmacro %}

{% macro duckdb__object_field(text, names, otherwise_itself) -%}
    case
        when starts_with({{ text }}, '{') and json_valid({{ text }})
            then coalesce(
                {%- for name in names -%}
                    json_extract_string({{ text }}, '$.{{ name }}'){{ ', ' if not loop.last else ', null' }}
                {%- endfor -%}
            )
        {%- if otherwise_itself %}
        else {{ text }}
        {%- endif %}
    end
{%- endmacro %}

{% macro spark__object_field(text, names, otherwise_itself) -%}
    case
        when {{ account_mapping._spark_is_object(text) }}
            then coalesce(
                {%- for name in names -%}
                    {{ account_mapping._spark_path(text, name.split('.')) }}{{ ', ' if not loop.last else ', null' }}
                {%- endfor -%}
            )
        {%- if otherwise_itself %}
        else {{ text }}
        {%- endif %}
    end
{%- endmacro %}

{% macro _spark_is_object(text) -%}
    {#- Whether a text is a JSON object: an array around it is valid and has one item. Spark's other functions take what
        comes before the first fault. -#}
    startswith({{ text }}, '{') and endswith(rtrim({{ text }}), '}') and json_array_length('[' || {{ text }} || ']') = 1
{%- endmacro %}

{% macro _spark_path(text, path) -%}
    {#- What a list of field names leads to inside JSON text, as text. -#}
    {%- set steps = namespace(text=text) -%}
    {%- for field in path -%}
        {%- set steps.text = account_mapping.spark__json_value(steps.text, field) -%}
    {%- endfor -%}
    {{- steps.text -}}
{%- endmacro %}
