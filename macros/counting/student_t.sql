{% macro student_t(degrees_of_freedom) -%}
    {#- The 97.5 % point of Student's distribution by the Cornish-Fisher expansion, which no engine lacks: from nine
        degrees of freedom on within .00002 of the exact value. Source: Abramowitz and Stegun, 26.7.5. -#}
    (
        1.959963984540054
        + 2.372271230298562 / ({{ degrees_of_freedom }})
        + 2.822498615739611 / power({{ degrees_of_freedom }}, 2)
        + 2.555849679507722 / power({{ degrees_of_freedom }}, 3)
        + 1.589534053393822 / power({{ degrees_of_freedom }}, 4)
    )
{%- endmacro %}
