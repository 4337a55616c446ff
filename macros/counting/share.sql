{% macro share(numerator, denominator, input_decimals=0, decimals=4) -%}
    {#- numerator / denominator, rounded half away from zero to `decimals`, as an exact decimal; null where the denominator
        is 0 or null. Whole numbers are divided, so that no engine, version or order of rows decides a tie.

        input_decimals: decimals of both inputs, which are exact. -#}
    {{- return(adapter.dispatch('share', 'account_mapping')(numerator, denominator, input_decimals, decimals)) -}}
{%- endmacro %}

{% macro default__share(numerator, denominator, input_decimals, decimals) -%}
    {{- account_mapping._engine_lacks('share') -}}
{%- endmacro %}

{% macro duckdb__share(numerator, denominator, input_decimals, decimals) -%}
    {%- set top = "cast((" ~ numerator ~ ") * " ~ 10 ** input_decimals ~ " as hugeint)" -%}
    {%- set bottom = "cast((" ~ denominator ~ ") * " ~ 10 ** input_decimals ~ " as hugeint)" -%}
    cast(
        sign({{ top }}) * sign({{ bottom }})
        * ((abs({{ top }}) * {{ 2 * 10 ** decimals }} + abs({{ bottom }})) // nullif(2 * abs({{ bottom }}), 0))
        as decimal({{ 38 - decimals - 1 }}, 0)
    ) * cast({{ '%.*f' | format(decimals, 10 ** -decimals) }} as decimal({{ decimals + 1 }}, {{ decimals }}))
{%- endmacro %}

{% macro spark__share(numerator, denominator, input_decimals, decimals) -%}
    {%- set top = "cast((" ~ numerator ~ ") * " ~ 10 ** input_decimals ~ " as decimal(38, 0))" -%}
    {%- set bottom = "cast((" ~ denominator ~ ") * " ~ 10 ** input_decimals ~ " as decimal(38, 0))" -%}
    cast(
        sign({{ top }}) * sign({{ bottom }})
        * ((abs({{ top }}) * {{ 2 * 10 ** decimals }} + abs({{ bottom }})) div nullif(2 * abs({{ bottom }}), 0))
        as decimal(38, 0)
    ) * cast({{ '%.*f' | format(decimals, 10 ** -decimals) }} as decimal({{ decimals + 1 }}, {{ decimals }}))
{%- endmacro %}
