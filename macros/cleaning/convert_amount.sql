{% macro convert_amount(amount, rate) -%}
    {#- `amount` in the reporting currency, rounded to cents. Decimal all the way: a floating sum would depend on
        the number of threads. 20 and 18 digits multiply to the 38 that every engine has. -#}
    cast(
        round(
            {{ dbt.safe_cast(amount, 'decimal(20, 2)') }} * cast({{ rate }} as decimal(18, 8)), 2
        ) as decimal(28, 2)
    )
{%- endmacro %}
