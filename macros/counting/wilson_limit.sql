{% macro wilson_limit(successes, trials, sign) -%}
    {#- The lower (`-`) or upper (`+`) limit of Wilson's 95 % score interval of a rate. Source: Wilson, Probable
        inference, the law of succession, and statistical inference, JASA 22 (1927). -#}
    (
        {{ successes }} + 1.920729410347062 {{ sign }} 1.959963984540054 * sqrt(
            {{ successes }} * ({{ trials }} - {{ successes }}) / {{ trials }} + 0.960364705173531
        )
    ) / ({{ trials }} + 3.841458820694124)
{%- endmacro %}
