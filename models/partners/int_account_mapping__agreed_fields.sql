with

agreements_in_force as (

    select * from {{ ref('int_account_mapping__agreements_in_force') }}
    where sharing_level in ('overlapping', 'all')

),

items as (

    {{ account_mapping.explode_items(
        'agreements_in_force', 'shared_fields',
        ['partner_id', 'direction', 'our_status', 'partner_status', 'sharing_level']
    ) | indent(4) }}

),

final as (

    select
        partner_id,
        direction,
        our_status,
        partner_status,
        sharing_level,
        item as field

    from items
    where
        item in (
            {% for field in account_mapping.shareable_fields() -%}
            '{{ field }}'{{ ',' if not loop.last }}
            {% endfor -%}
        )

)

select * from final
