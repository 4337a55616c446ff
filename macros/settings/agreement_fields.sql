{% macro agreement_fields() %}
    {#- What an agreement may name: fields of accounts, and two words about contacts that are no fields. `person` lets
        hashes of their addresses go along with the keys; `person_rows` lets persons be told one by one, and nothing leave. -#}
    {{- return(account_mapping.shareable_fields() + ['person', 'person_rows']) -}}
{% endmacro %}
