{% macro no_rows(columns) %}
    {#- A select of no rows with the columns {column: type}: a union without parts. -#}
    select
    {%- for column, type in columns.items() %}
        cast(null as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
    where 1 = 0
{% endmacro %}
