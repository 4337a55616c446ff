{% macro status_rank(expression) -%}
    {#- Standard statuses by precedence; 1 wins. -#}
    case {{ expression }}
        when 'customer' then 1
        when 'open_opportunity' then 2
        when 'churned' then 3
        when 'prospect' then 4
        else 5
    end
{%- endmacro %}
