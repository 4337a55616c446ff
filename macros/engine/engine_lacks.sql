{% macro _engine_lacks(name) -%}
    {#- One clear error for a macro that the engine has no version of. Parsing passes. -#}
    {%- if execute -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: there is no version of the macro " ~ name ~ " for " ~ target.type ~ ": docs/engines.md tells which"
            ~ " engines have them. Write " ~ target.type ~ "__" ~ name ~ " in a project and put that project before"
            ~ " account_mapping in the search_order of `dispatch`."
        ) -%}
    {%- endif -%}
{%- endmacro %}
