{%- set max_pairs_per_key = 2500 -%}
with

their_keys as (

    select * from {{ ref('int_account_mapping__their_keys') }}

),

our_key_counts as (

    select
        partner_id,
        key_type,
        key_value,
        count(*) as our_accounts

    from {{ ref('int_account_mapping__our_shared_keys') }}
    group by partner_id, key_type, key_value

),

counted as (

    select
        their_keys.*,
        our_key_counts.our_accounts,
        count(*) over (
            partition by
                their_keys.partner_id, their_keys.our_partner_id, their_keys.key_type, their_keys.key_value
        ) as their_accounts

    from their_keys
    inner join our_key_counts
        on
            their_keys.our_partner_id = our_key_counts.partner_id
            and their_keys.key_type = our_key_counts.key_type
            and their_keys.key_value = our_key_counts.key_value

),

-- a key that thousands of pairs share tells nothing about any of them
final as (

    select * from counted
    where our_accounts * their_accounts <= {{ max_pairs_per_key }}

)

select * from final
