{% macro object_field(text, names, otherwise_itself=false) %}
    {#- A field of a JSON object given as text: the first of `names` that has a value, as text.
        Text that is no object gives null or, with otherwise_itself, the text: loaders write a reference as a bare
        id or as an object around it. -#}
    {{- return(adapter.dispatch('object_field', 'account_mapping')(text, names, otherwise_itself)) -}}
{% endmacro %}

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
