{% macro scale_odds(probability, factor) -%}
    {#- The probability after evidence that multiplies its odds by `factor` (Bayes' rule), exact to four decimals.
        probability: a decimal of four places; factor: one of at most eight. -#}
    {{ account_mapping.share(
        probability ~ ' * ' ~ factor,
        probability ~ ' * ' ~ factor ~ ' + 1 - ' ~ probability,
        input_decimals=12
    ) }}
{%- endmacro %}
