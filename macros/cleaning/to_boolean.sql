{% macro to_boolean(text) -%}
    {#- true/false, t/f, 1/0, yes/no and y/n in any case as a boolean, anything else as null. -#}
    case
        when lower({{ account_mapping.trim_whitespace(text) }}) in ('true', 't', '1', '1.0', 'yes', 'y') then true
        when lower({{ account_mapping.trim_whitespace(text) }}) in ('false', 'f', '0', '0.0', 'no', 'n') then false
    end
{%- endmacro %}
