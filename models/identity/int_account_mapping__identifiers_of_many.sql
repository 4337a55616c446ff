{%- set identifiers = ['lei', 'duns', 'vat_id', 'linkedin'] -%}
{%- set most_companies = 3 -%}
with

normalized as (

    select * from {{ ref('int_account_mapping__normalized') }}

),

identifiers as (

    {% for key_type in identifiers -%}
    select
        side,
        partner_id,
        name,
        '{{ key_type }}' as key_type,
        {{ key_type }} as key_value

    from normalized
    where {{ key_type }} is not null
    {%- if not loop.last %}

    union all

    {% endif -%}
    {% endfor %}

),

-- names that begin with one word may be spellings, or branches, of one company
final as (

    select
        side,
        partner_id,
        key_type,
        key_value,
        count(*) as n_accounts

    from identifiers
    group by side, partner_id, key_type, key_value
    having count(distinct split_part(name, ' ', 1)) > {{ most_companies }}

)

select * from final
