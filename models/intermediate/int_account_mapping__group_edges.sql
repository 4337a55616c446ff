with

duplicate_pairs as (

    select * from {{ ref('int_account_mapping__duplicate_pairs') }}

),

unit_links as (

    select * from {{ ref('int_account_mapping__unit_links') }}

),

final as (

    select
        'duplicates' as grouping_key,
        account_id as node,
        other_account_id as other_node

    from duplicate_pairs

    union all

    -- the sides' ids may be spelled alike: a letter in front keeps them apart
    select
        partner_id || ' ' || rollup as grouping_key,
        'o' || our_unit_id as node,
        'p' || partner_unit_id as other_node

    from unit_links

)

select * from final
