{% macro to_decimal(text) %}
    {#- An amount as decimal(28, 2), null where the text is no amount.

        Takes plain and scientific numbers, a currency sign or code before or after (`$1,200`, `1200 EUR`),
        grouping by commas, blanks or apostrophes (`12,500.00`), the continental form when it is beyond doubt
        (`12.500,00`, `12,5`), and accountants' negatives (`(1,200)`). -#}
    {{- return(adapter.dispatch('to_decimal', 'account_mapping')(text)) -}}
{% endmacro %}

{% macro default__to_decimal(text) -%}
    {{- account_mapping._engine_lacks('to_decimal') -}}
{%- endmacro %}

{% macro duckdb__to_decimal(text) -%}
    {%- set bare -%}
        regexp_replace(regexp_replace(regexp_replace(upper({{ text }}), '[\s\x{A0}\x{202F}''’]', '', 'g'), '^[(](.*)[)]$', '-\1'), '^([+-]?)(?:[A-Z]{3}|[A-Z]{0,3}\p{Sc})([+-]?)(.*)$|^(.*?)(?:[A-Z]{3}|\p{Sc})$', '\1\2\3\4')
    {%- endset -%}
    try_cast(case
        when regexp_full_match({{ bare }}, '[+-]?([0-9]{1,3}([.][0-9]{3})+,[0-9]+|[0-9]+,[0-9]{1,2})')
            then replace(replace({{ bare }}, '.', ''), ',', '.')
        when regexp_full_match({{ bare }}, '[+-]?([0-9]*|[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3})([.][0-9]*)?(E[+-]?[0-9]+)?')
            then replace({{ bare }}, ',', '')
    end as decimal(28, 2))
{%- endmacro %}

{% macro spark__to_decimal(text) -%}
    {%- set bare = account_mapping._spark_replace('upper(' ~ text ~ ')', "[\\s\\x{A0}\\x{202F}'’]", '') -%}
    {%- set bare = account_mapping._spark_replace(bare, '^[(](.*)[)]$', '-$1') -%}
    {%- set bare = account_mapping._spark_replace(
        bare, '^([+-]?)(?:[A-Z]{3}|[A-Z]{0,3}\\p{Sc})([+-]?)(.*)$|^(.*?)(?:[A-Z]{3}|\\p{Sc})$', '$1$2$3$4') -%}
    {%- set amount -%}
        try_cast(case
            when {{ account_mapping.matches_pattern('bare', '^[+-]?([0-9]{1,3}([.][0-9]{3})+,[0-9]+|[0-9]+,[0-9]{1,2})$') }}
                then replace(replace(bare, '.', ''), ',', '.')
            when {{ account_mapping.matches_pattern('bare', '^[+-]?([0-9]*|[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3})([.][0-9]*)?(E[+-]?[0-9]{1,4})?$') }}
                then replace(bare, ',', '')
        end as decimal(28, 2))
    {%- endset -%}
    {{- account_mapping._spark_bound('bare', bare, amount) -}}
{%- endmacro %}
