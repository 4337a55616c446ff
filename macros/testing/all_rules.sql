{% macro all_rules(rules, patterns) %}
    {#- Expressions that hold in every row, for the generic tests: `rules`, and one for each of `patterns`
        ({column: regular expression}). -#}
    {%- set all = rules | list -%}
    {%- for column, pattern in patterns.items() -%}
        {%- do all.append(account_mapping.matches_pattern(column, pattern)) -%}
    {%- endfor -%}
    {{- return(all) -}}
{% endmacro %}
