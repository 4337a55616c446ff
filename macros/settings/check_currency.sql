{% macro check_currency() %}
    {#- One clear error when var account_mapping__currency is no currency code: it stands in SQL, and beside amounts. -#}
    {%- set currency = var('account_mapping__currency') -%}
    {%- if account_mapping.is_building() and not modules.re.fullmatch('[A-Za-z]{3}', currency | string) -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: var account_mapping__currency takes a currency code of three letters, such as USD, but"
            ~ " holds: " ~ currency ~ "."
        ) -%}
    {%- endif -%}
{% endmacro %}
