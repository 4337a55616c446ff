{% macro spreadsheet_safe(expression) -%}
    {#- Text that a spreadsheet would run as a formula gets an apostrophe in front, as names do in `normalized`. -#}
    case
        when
            {{ expression }} like '=%'
            or (
                left({{ expression }}, 1) in ('+', '-', '@')
                and {{ expression }} like '%(%'
            )
            then '''' || {{ expression }}
        else {{ expression }}
    end
{%- endmacro %}
