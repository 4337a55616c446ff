{#- No two intervals [valid_from, valid_to) of one key share a day; a null valid_to has no end. -#}
{% test account_mapping__disjoint_intervals(model, columns) %}

with

followed as (

    select
        {{ columns | join(', ') }},
        valid_from,
        valid_to,
        lead(valid_from) over (partition by {{ columns | join(', ') }} order by valid_from) as next_valid_from

    from {{ model }}

)

select * from followed
where
    valid_to < valid_from
    or next_valid_from < valid_to
    or (next_valid_from is not null and valid_to is null)

{% endtest %}
