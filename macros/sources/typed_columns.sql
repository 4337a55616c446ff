{% macro typed_columns(columns) -%}
    {#- The select list that casts each of {column: type} to its type: what the parts of a union have in common. -#}
    {%- for column, type in columns.items() %}
        cast({{ column }} as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
