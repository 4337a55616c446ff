{% macro column_key(name) %}
    {#- What is compared of a column's name: its letters and digits, in lower case. `Parent Account ID`, `ParentAccountId`
        and `parent_account_id` are one name; a byte order mark or a blank in a header is none of it. -#}
    {{- return(modules.re.sub('[^\\w]|_', '', name | lower)) -}}
{% endmacro %}
