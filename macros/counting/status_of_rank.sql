{% macro status_of_rank(expression) -%}
    {#- The inverse of status_rank. -#}
    case {{ expression }}
        when 1 then 'customer'
        when 2 then 'open_opportunity'
        when 3 then 'churned'
        when 4 then 'prospect'
        when 5 then 'not_shared'
    end
{%- endmacro %}
